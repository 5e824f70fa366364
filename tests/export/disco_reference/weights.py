"""Deterministic synthetic weights for verifying a re-implementation.

The trained weights of the original system are not part of this fixture.
Instead every entry of the model's state dict is filled from a seeded random
generator, so that the same weights can be rebuilt anywhere with numpy alone:

    import json
    from weights import make_weights
    spec = json.load(open("state_dict.json"))["entries"]
    arrays = make_weights(spec, seed=1)          # {name: numpy array}

Rule for one entry (name, shape):

    rng = numpy.random.default_rng([seed, zlib.crc32(name.encode("utf-8"))])
    x   = rng.standard_normal(shape)             # float64, C order

and then, by kind of entry (first match wins; all arithmetic in float64, one
final cast to the entry's dtype):

    *.num_batches_tracked   int64   1000 + (crc32(name) % 1000)
    *.running_mean                  M + 0.1*sqrt(V)*x      M, V: table BN_STATS
    *.running_var                   V * (0.5 + |x|)
    *.weight_orig                   sqrt(1/fan_in) * x     fan_in = prod(shape[1:])
    *.weight_u, *.weight_v          see _sn_vectors()
    1-D "weight" (norm layers)      1 + 0.1*x
    1-D "*bias"                     0.05 * x
    "weight" with dim > 1           gain * sqrt(1/fan_in) * x, gain: tables GAINS
                                    and TRANSFORMER_GAINS

Before scaling, x of every weight / weight_orig with dim > 1 is made zero-sum
per output unit (see _centre()), which keeps random deep networks from
collapsing to an almost constant output.  In trg_word_emb.weight the columns
from 64 on get an extra factor HINT_COLUMN_GAIN.

fan_in = prod(shape[1:]) for Conv2d / Linear / attention projections; for the
four transposed convolutions (name contains ".deconv") whose weight is stored
as (in, out, kh, kw) with kernel 4 and stride 2: fan_in = in*kh*kw/4.
"""

import zlib

import numpy as np

SN_ITERATIONS = 3


def _rng(seed, name):
    return np.random.default_rng([int(seed), zlib.crc32(name.encode("utf-8"))])


# (name prefix, gain); the longest matching prefix wins.
GAINS = [
    ("", 1.0),
    ("segnet.net.pred_mask0", 1.5),
    ("repnet.conv10_2", 6.0),
    ("mid_word_prj", 2.0),
    ("trg_word_prj", 2.0),
    ("trg_word_emb", 2.5),
    ("enhanceNet.outConv", 0.35),
]
TRANSFORMER_GAINS = [
    ("self_attn.in_proj_weight", 1.5),
    ("self_attn.out_proj.weight", 0.25),
    (".linear1.weight", 1.0),
    (".linear2.weight", 0.25),
]
# columns 64.. of trg_word_emb.weight (colour one-hot and mask) are larger
HINT_COLUMN_GAIN = 6.0

# (batch-norm module prefix, M, V): typical mean and variance of what enters it
# under these weights, so that activations keep a sane size in eval mode.
BN_STATS = [
    ("segnet.", 0.0, 0.3),
    ("repnet.conv1_2", 0.027, 0.002),
    ("repnet.conv", 0.09, 0.024),  # conv2_3 .. conv7_3
    ("repnet.conv8_3", 0.22, 0.09),
    ("repnet.conv9_2", 0.4, 0.35),
    ("enhanceNet.inConv", 0.22, 0.037),
    ("enhanceNet.down", 0.33, 0.13),
    ("enhanceNet.up2", 0.14, 0.036),
    ("enhanceNet.up1", 0.17, 0.045),
]


def _bn_stats(module):
    best = max((r for r in BN_STATS if module.startswith(r[0])), key=lambda r: len(r[0]))
    return best[1], best[2]


def _centre(name, x):
    """Zero-sum filters: subtract each output unit's mean over its inputs.

    Applies to every 4-D weight with more than one input channel and to every
    2-D weight; for trg_word_emb only to the first 64 columns.
    """
    if name == "trg_word_emb.weight":
        x = x.copy()
        x[:, :64] -= x[:, :64].mean(axis=1, keepdims=True)
        return x
    if x.ndim == 2:
        return x - x.mean(axis=1, keepdims=True)
    axes = (0, 2, 3) if ".deconv" in name else (1, 2, 3)
    if x.shape[0 if ".deconv" in name else 1] == 1:
        return x
    return x - x.mean(axis=axes, keepdims=True)


def _gain(name):
    for leaf, g in TRANSFORMER_GAINS:
        if name.endswith(leaf):
            return g
    best = max((p for p, _ in GAINS if name.startswith(p)), key=len)
    return dict(GAINS)[best]


def _unit(v):
    return v / np.linalg.norm(v)


def _sn_vectors(seed, module, orig):
    """Stored singular-vector estimates of a spectrally normalised weight.

    u starts as a random unit vector drawn with the name "<module>.weight_u";
    SN_ITERATIONS power-iteration rounds (v = W'u / |W'u|, then u = Wv / |Wv|)
    follow, W being the float64 weight viewed as (out, rest).  Deliberately
    few rounds: u'Wv is then up to about 12 percent below the true largest
    singular value, so that code which recomputes it is caught.
    """
    w = orig.reshape(orig.shape[0], -1)
    u = _unit(_rng(seed, module + ".weight_u").standard_normal(w.shape[0]))
    for _ in range(SN_ITERATIONS):
        v = _unit(w.T @ u)
        u = _unit(w @ v)
    return u, v


def make_weights(spec, seed):
    """spec: list of {"name", "shape", "dtype"}; returns {name: ndarray}."""
    out, sn = {}, {}
    for e in spec:
        name, shape = e["name"], tuple(e["shape"])
        module, leaf = name.rsplit(".", 1)
        crc = zlib.crc32(name.encode("utf-8"))
        if leaf == "num_batches_tracked":
            out[name] = np.array(1000 + crc % 1000, dtype=np.int64)
            continue
        if leaf in ("weight_u", "weight_v"):
            continue  # after their weight_orig
        x = _rng(seed, name).standard_normal(shape)
        if leaf == "running_mean":
            m, v = _bn_stats(module)
            y = m + 0.1 * np.sqrt(v) * x
        elif leaf == "running_var":
            m, v = _bn_stats(module)
            y = v * (0.5 + np.abs(x))
        elif leaf == "weight_orig":
            y = _centre(name, x) / np.sqrt(np.prod(shape[1:]))
            sn[module] = _sn_vectors(seed, module, y)
        elif leaf == "weight" and len(shape) == 1:
            y = 1.0 + 0.1 * x
        elif leaf.endswith("bias"):
            y = 0.05 * x
        else:
            if ".deconv" in name:
                fan_in = shape[0] * shape[2] * shape[3] / 4.0
            else:
                fan_in = float(np.prod(shape[1:]))
            y = _gain(name) * _centre(name, x) / np.sqrt(fan_in)
            if name == "trg_word_emb.weight":
                y[:, 64:] *= HINT_COLUMN_GAIN
        out[name] = y.astype(e["dtype"])
    for e in spec:
        name = e["name"]
        module, leaf = name.rsplit(".", 1)
        if leaf == "weight_u":
            out[name] = sn[module][0].astype(e["dtype"])
        elif leaf == "weight_v":
            out[name] = sn[module][1].astype(e["dtype"])
    return {e["name"]: out[e["name"]] for e in spec}
