from __future__ import annotations

from pathlib import Path

import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime import ProviderOptions
from colordeploy.runtime.graph import Target, parse_target


def test_the_defaults():
    assert ProviderOptions(provider="cpu").to_providers(3) == ["CPUExecutionProvider"]
    cuda = {
        "device_id": "3",
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "use_tf32": "0",
        "enable_cuda_graph": "0",
    }
    expected = [("CUDAExecutionProvider", cuda), "CPUExecutionProvider"]
    assert ProviderOptions().to_providers(3) == expected
    assert ProviderOptions(provider="cuda").to_providers(3) == expected
    assert ProviderOptions(provider="tensorrt").to_providers(3) == [
        ("TensorrtExecutionProvider", {"device_id": "3", "trt_fp16_enable": "0"}),
        *expected,
    ]


def test_a_stream_to_run_on():
    for provider in ("cuda", "tensorrt"):
        *gpu, cpu = ProviderOptions(provider=provider, timed=True).to_providers(0, 4711)
        assert cpu == "CPUExecutionProvider"
        assert [told["user_compute_stream"] for _, told in gpu] == ["4711"] * len(gpu)


def test_everything_set():
    options = ProviderOptions(
        provider="cuda",
        memory_limit=2 << 30,
        cudnn_search="heuristic",
        tf32=True,
        cuda_graph=True,
    )
    assert options.to_providers(0)[0][1] == {
        "device_id": "0",
        "gpu_mem_limit": "2147483648",
        "cudnn_conv_algo_search": "HEURISTIC",
        "use_tf32": "1",
        "enable_cuda_graph": "1",
    }
    options = ProviderOptions(
        provider="tensorrt", engine_cache=Path("engines"), fp16=True, workspace=1 << 30
    )
    assert options.to_providers(1)[0] == (
        "TensorrtExecutionProvider",
        {
            "device_id": "1",
            "trt_fp16_enable": "1",
            "trt_max_workspace_size": "1073741824",
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": "engines",
        },
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"provider": "gpu"}, "unknown provider 'gpu'; use one of auto, cpu, cuda, tensorrt"),
        ({"provider": None}, "unknown provider None"),
        ({"cudnn_search": "fast"}, "unknown cudnn_search 'fast'"),
        ({"memory_limit": 4}, "at least 1 MiB"),
        ({"memory_limit": 1e9}, "whole number of bytes"),
        ({"memory_limit": True}, "whole number of bytes"),
        ({"provider": "tensorrt", "workspace": -1}, "at least 1 MiB"),
        ({"tf32": 1}, "tf32 is True or False, not 1"),
        ({"tf32": None}, "tf32 is True or False, not None"),
        ({"cuda_graph": "on"}, "cuda_graph is True or False"),
        ({"provider": "tensorrt", "engine_cache": 3}, "engine_cache is a folder, not 3"),
        ({"fp16": True}, "fp16 is an option of the TensorRT provider"),
        ({"provider": "cuda", "workspace": 1 << 30}, "option of the TensorRT provider"),
        ({"engine_cache": "x"}, "option of the TensorRT provider"),
        ({"provider": "cpu", "tf32": True}, "tf32 is an option for GPUs"),
        ({"provider": "tensorrt", "cuda_graph": True}, "use provider='cuda', or backend="),
    ],
)
def test_odd_options(options, message):
    with pytest.raises(BackendError, match=message):
        ProviderOptions(**options)


def test_options_travel_in_the_target():
    assert Target().options == ProviderOptions()
    assert parse_target("auto", "auto", None).options == ProviderOptions()
    options = ProviderOptions(memory_limit=1 << 30)
    assert parse_target("onnxruntime", "cuda", None, options=options).options is options
    captures = ProviderOptions(cuda_graph=False)
    assert parse_target("tensorrt", "cuda", None, options=captures).options is captures


@pytest.mark.parametrize(
    ("backend", "device", "options", "message"),
    [
        ("auto", "cpu", ProviderOptions(provider="cuda"), "does not run on device='cpu'"),
        ("auto", "cpu", ProviderOptions(provider="tensorrt"), "does not run on device='cpu'"),
        ("auto", "cuda:1", ProviderOptions(provider="cpu"), "does not run on device='cuda:1'"),
        ("tensorrt", "cuda", ProviderOptions(tf32=True), "heeds cuda_graph only"),
        ("tensorrt", "cuda", ProviderOptions(provider="cuda"), "heeds cuda_graph only"),
        ("auto", "auto", {"tf32": True}, r"ProviderOptions, not dict"),
    ],
)
def test_options_that_do_not_go_with_the_target(backend, device, options, message):
    with pytest.raises(BackendError, match=message):
        parse_target(backend, device, None, options=options)
