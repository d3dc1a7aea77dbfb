"""Where slates come from: imported lists, built-in recommenders, the fine-tuned re-ranker, a recommender over HTTP."""

from recux.recommend.options import check_options
from recux.recommend.remote import ask
from recux.recommend.rerank import prepare_rerank
from recux.recommend.slates import make_slate

__all__ = ["ask", "check_options", "make_slate", "prepare_rerank"]
