"""Attention in bf16 on a CPU: the fused kernel spends several times the time of its matrix products going backward."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from recux.learn.packing import Layout

NAME = "recux"
"""What transformers knows this attention by."""
LONGEST = 512
"""With more tokens the table of all pairs of them takes more memory than it saves time."""
CACHED = 524_288
"""Scores that are worked on together where none is kept: more of them leave the cache."""


class Attend(torch.autograd.Function):
    """softmax(scale q k' + mask) v by plain batched products, in bf16 with sums in fp32.

    Shapes: q, k, v (B x heads, T, D); hidden (B, 1, T or 1, T), added to the scores of all heads of a text, or None.
    """

    @staticmethod
    def forward(  # noqa: PLR0917 - autograd hands them over in order
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, hidden: Tensor | None, scale: float
    ) -> Tensor:
        """The weighted values, (B x heads, T, D)."""
        if not any(ctx.needs_input_grad):
            return mixed_only(q, k, v, hidden, scale)
        scores = torch.baddbmm(q.new_empty(()), q, k.transpose(1, 2), beta=0, alpha=scale)  # (B x heads, T, T)
        if hidden is not None:
            scores.view(len(hidden), -1, *scores.shape[1:]).add_(hidden)
        weights = torch.softmax(scores, -1)
        ctx.save_for_backward(q, k, v, weights)
        ctx.scale = scale
        return torch.bmm(weights, v)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Gradients of q, k and v."""
        q, k, v, weights = ctx.saved_tensors
        of_weights = torch.bmm(gradient, v.transpose(1, 2))
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        nothing = q.new_empty(())
        return (
            torch.baddbmm(nothing, of_scores, k, beta=0, alpha=ctx.scale),
            torch.baddbmm(nothing, of_scores.transpose(1, 2), q, beta=0, alpha=ctx.scale),
            torch.bmm(weights.transpose(1, 2), gradient),
            None,
            None,
        )


class AttendPacked(torch.autograd.Function):
    """``Attend`` on texts end to end: q, k, v (N, heads x D), with a ``Layout`` and the number of heads."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, layout: "Layout", heads: int) -> Tensor:  # noqa: PLR0917 - as above
        """The weighted values, (N, heads x D); zeros in what fills up."""
        q, k, v = (sliced(layout.padded(x), heads) for x in (q, k, v))
        ctx.layout = layout
        mixed = Attend.forward(ctx, q, k, v, layout.hidden, q.shape[-1] ** -0.5)
        return layout.flat(joined(mixed, heads))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Gradients of q, k and v."""
        layout: Layout = ctx.layout
        towards = layout.padded(gradient) * layout.real[..., None]
        heads = len(ctx.saved_tensors[0]) // len(towards)
        q, k, v = (layout.flat(joined(x, heads)) for x in Attend.backward(ctx, sliced(towards, heads))[:3])
        return q, k, v, None, None


def mixed_only(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor | None, scale: float) -> Tensor:
    """What ``Attend`` computes, where nothing learns: a few slices at a time, none of whose weights is kept.

    The softmax is in fp32: PyTorch's takes up to four times as long where bf16 rows do not fill a register.
    """
    out = torch.empty_like(v)
    nothing = q.new_empty(())
    together = max(1, CACHED // (q.shape[1] * k.shape[1]))
    texts = None if hidden is None else torch.arange(len(hidden)).repeat_interleave(len(q) // len(hidden))
    for at in range(0, len(q), together):
        few = slice(at, at + together)
        scores = torch.baddbmm(nothing, q[few], k[few].transpose(1, 2), beta=0, alpha=scale).float()
        if hidden is not None and texts is not None:
            scores += hidden[texts[few], 0]
        torch.bmm(torch.softmax(scores, -1).to(v.dtype), v[few], out=out[few])
    return out


def sliced(padded: Tensor, heads: int) -> Tensor:
    """(B, T, heads x D) to (B x heads, T, D)."""
    batch, tokens, width = padded.shape
    return padded.view(batch, tokens, heads, -1).transpose(1, 2).reshape(batch * heads, tokens, width // heads)


def joined(slices: Tensor, heads: int) -> Tensor:
    """(B x heads, T, D) to (B, T, heads x D)."""
    _, tokens, width = slices.shape
    return slices.view(-1, heads, tokens, width).transpose(1, 2).reshape(-1, tokens, heads * width)


def use(encoder: Any) -> None:
    """Let ``encoder`` attend by :func:`attend`, if its attention is the usual one."""
    from transformers import AttentionInterface, AttentionMaskInterface

    if getattr(encoder.config, "_attn_implementation", None) == "sdpa":
        AttentionInterface.register(NAME, attend)
        AttentionMaskInterface.register(NAME, mask_of)
        encoder.set_attn_implementation(NAME)


def mask_of(*, attention_mask: Tensor | None = None, **options: Any) -> Tensor | None:
    """Which tokens attend to which, as transformers says it for PyTorch's attention.

    Where nothing is padded it goes without a mask. Off the CPU that is not looked for, since each look waits for the
    device.
    """
    from transformers.masking_utils import sdpa_mask

    if attention_mask is not None and attention_mask.device.type != "cpu":
        options["allow_is_bidirectional_skip"] = False
    found: Tensor | None = sdpa_mask(attention_mask=attention_mask, **options)
    return found


def attend(
    module: torch.nn.Module,
    query: Tensor,  # (B, heads, T, D), as are key and value
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it, (B, T, heads, D): by ``Attend`` where it fits, else by PyTorch's."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if (layout := options.get("layout")) is not None:
        _, heads, tokens, _ = query.shape
        flat = (x.transpose(1, 2).reshape(tokens, -1) for x in (query, key, value))
        packed: Tensor = AttendPacked.apply(*flat, layout, heads)  # type: ignore[no-untyped-call]
        return packed.view(1, tokens, heads, -1), None
    if not fits(module, query, key, attention_mask, options):
        found: tuple[Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return found
    batch, heads, tokens, width = query.shape
    hidden = None
    if attention_mask is not None:
        hidden = torch.zeros_like(attention_mask, dtype=query.dtype)
        hidden.masked_fill_(~attention_mask, torch.finfo(query.dtype).min)
    slices = (x.reshape(-1, tokens, width) for x in (query, key, value))
    mixed: Tensor = Attend.apply(*slices, hidden, options.get("scaling") or width**-0.5)  # type: ignore[no-untyped-call]
    return mixed.view(batch, heads, tokens, width).transpose(1, 2), None


def fits(module: Any, query: Tensor, key: Tensor, mask: Tensor | None, options: dict[str, Any]) -> bool:
    """Whether this is bf16 on a CPU, of moderate length, and only masked."""
    causal = getattr(module, "is_causal", True) if options.get("is_causal") is None else options["is_causal"]
    special = any(options.get(name) for name in ("dropout", "softcap", "cache", "output_attentions"))
    plain = mask is None or (mask.dtype == torch.bool and mask.shape == (len(query), 1, *2 * query.shape[2:3]))
    return (
        query.device.type == "cpu"
        and query.dtype == torch.bfloat16
        and query.shape == key.shape
        and query.shape[2] <= LONGEST
        and not (mask is None and causal)
        and not special
        and options.get("position_bias") is None
        and plain
    )
