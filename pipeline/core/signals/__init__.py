"""Signals of a post that words alone tell: phrases, toxicity, experience, personal data. Pure and cheap."""
