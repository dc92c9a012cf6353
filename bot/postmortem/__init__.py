"""Drafts the post-mortem of an incident as Markdown, from stored facts only."""

from bot.postmortem.draft import draft
from bot.postmortem.facts import Child, GivenAdvice, PostmortemFacts, Remedy

__all__ = ["Child", "GivenAdvice", "PostmortemFacts", "Remedy", "draft"]
