"""Latency and throughput that can be trusted: what ``colordeploy bench`` measures."""

from __future__ import annotations
