"""Attention with several heads."""

import math

import penlight
from penlight.nn import functional as F
from penlight.nn import init
from penlight.nn.modules.linear import Linear
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter


class MultiheadAttention(Module):
    """Every head attends on its own part of the embedding; their results are joined and mapped once more.

    A. Vaswani et al. (2017), *Attention Is All You Need*, section 3.2.2.

    Args:
        embed_dim: width E of the queries and of the result; a multiple of ``num_heads``.
        num_heads: how many heads.
        dropout: of the weights, while training.
        bias: add biases to the maps in and out.
        add_bias_kv: append a learned position to keys and values.
        add_zero_attn: append a position of zeros to keys and values.
        kdim, vdim: widths of keys and values; E when left out.
        batch_first: inputs are ``(batch, length, width)`` rather than ``(length, batch, width)``.

    >>> import penlight as torch
    >>> attend = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = torch.randn(3, 5, 8)
    >>> result, weights = attend(x, x, x)
    >>> result.shape, weights.shape
    (torch.Size([3, 5, 8]), torch.Size([3, 5, 5]))
    """

    def __init__(
        self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None,
        vdim=None, batch_first=False, device=None, dtype=None,
    ):  # fmt: skip
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        assert self.head_dim * num_heads == embed_dim, "embed_dim must be divisible by num_heads"

        def new(*sizes):
            return Parameter(penlight.empty(sizes, device=device, dtype=dtype))

        joint = self._qkv_same_embed_dim
        self.register_parameter("in_proj_weight", new(3 * embed_dim, embed_dim) if joint else None)
        self.register_parameter("q_proj_weight", None if joint else new(embed_dim, embed_dim))
        self.register_parameter("k_proj_weight", None if joint else new(embed_dim, self.kdim))
        self.register_parameter("v_proj_weight", None if joint else new(embed_dim, self.vdim))
        self.register_parameter("in_proj_bias", new(3 * embed_dim) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self.register_parameter("bias_k", new(1, 1, embed_dim) if add_bias_kv else None)
        self.register_parameter("bias_v", new(1, 1, embed_dim) if add_bias_kv else None)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True,
        is_causal=False,
    ):  # fmt: skip
        """Attends from every query to all keys.

        Args:
            query: ``(L, N, E)``, or ``(N, L, E)`` with ``batch_first``, or ``(L, E)``. key, value: the same with
                their own length S and widths.
            key_padding_mask: ``(N, S)`` or ``(S)``; True (or a number added to the scores) where a key is padding.
            attn_mask: ``(L, S)`` or ``(N * num_heads, L, S)``; True where a query must not attend, or numbers that
                are added to the scores.
            need_weights: give the weights as well.
            average_attn_weights: their mean over the heads, rather than one each.
            is_causal: says that ``attn_mask`` is the causal mask, which must be given.

        Returns:
            the result in the query's layout, and the weights ``(N, L, S)`` (with a dimension of heads after N unless
            averaged), or None.

        Raises:
            RuntimeError: masks of the wrong sizes; ``is_causal`` without ``attn_mask``.
        """
        if is_causal and attn_mask is None:
            raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
        single = query.dim() == 2
        if single:
            query, key, value = (t.unsqueeze(0) for t in (query, key, value))
            if key_padding_mask is not None:
                key_padding_mask = key_padding_mask.unsqueeze(0)
        elif not self.batch_first:
            query, key, value = (t.transpose(0, 1) for t in (query, key, value))
        q, k, v = self._project(query, key, value)
        if self.bias_k is not None:
            k = penlight.cat([k, self.bias_k.expand(k.shape[0], 1, -1)], 1)
            v = penlight.cat([v, self.bias_v.expand(v.shape[0], 1, -1)], 1)
        if self.add_zero_attn:
            k, v = (F.pad(t, (0, 0, 0, 1)) for t in (k, v))
        batch, length, _ = q.shape
        mask = self._mask(attn_mask, key_padding_mask, batch, length, key.shape[1], k.shape[1], q.dtype)
        q, k, v = (t.reshape(batch, -1, self.num_heads, self.head_dim).transpose(1, 2) for t in (q, k, v))
        scores = (q * math.sqrt(1.0 / self.head_dim)) @ k.transpose(-2, -1)
        weights = F.dropout(
            (scores if mask is None else scores + mask).softmax(-1), self.dropout, self.training
        )
        joined = (weights @ v).transpose(1, 2).reshape(batch, length, self.embed_dim)
        result = F.linear(joined, self.out_proj.weight, self.out_proj.bias)
        if need_weights and average_attn_weights:
            weights = weights.mean(dim=1)
        if single:
            result, weights = result.squeeze(0), weights.squeeze(0)
        elif not self.batch_first:
            result = result.transpose(0, 1)
        return result, weights if need_weights else None

    def _project(self, query, key, value):
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        if self._qkv_same_embed_dim:
            if query is key and key is value:
                return F.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
            weights = self.in_proj_weight.chunk(3)
        else:
            weights = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        return tuple(F.linear(*each) for each in zip((query, key, value), weights, biases, strict=True))

    def _mask(self, attn_mask, key_padding_mask, batch, length, keys, extended, dtype):
        """Both masks as numbers to add, ``(N, heads or 1, L, S)``; positions appended to the keys are open."""
        total = None
        if attn_mask is not None:
            wanted = (length, keys) if attn_mask.dim() == 2 else (batch * self.num_heads, length, keys)
            if tuple(attn_mask.shape) != wanted:
                raise RuntimeError(
                    f"The shape of the {attn_mask.dim()}D attn_mask is {attn_mask.shape}, but should be {wanted}."
                )
            total = _to_add(attn_mask, dtype)
            if attn_mask.dim() == 3:
                total = total.reshape(batch, self.num_heads, length, keys)
        if key_padding_mask is not None:
            if tuple(key_padding_mask.shape) != (batch, keys):
                raise RuntimeError(
                    f"key_padding_mask should have shape {(batch, keys)}, but got {tuple(key_padding_mask.shape)}"
                )
            padding = _to_add(key_padding_mask, dtype).reshape(batch, 1, 1, keys)
            total = padding if total is None else total + padding
        return total if total is None or extended == keys else F.pad(total, (0, extended - keys))


def _to_add(mask, dtype):
    if mask.dtype != penlight.bool:
        return mask.to(dtype)
    return penlight.zeros(mask.shape, dtype=dtype).masked_fill(mask, -math.inf)
