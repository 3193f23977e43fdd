"""The ``rss`` agent: feeds, sitemaps, whole articles, WebSub. Empty, as a child process imports it
(`agents.rss.article_text`): the kind is in `agents.rss.kind`, its source in `agents.rss.source`.
"""
