"""``python -m pipeline.demo.story``: writes ``story.jsonl.gz`` again and says what is in it."""

from __future__ import annotations

from pipeline.demo.story import PATH, Writer, lines, packed

if __name__ == "__main__":
    text = lines(Writer().posts())
    PATH.write_bytes(packed(text))
    posts = text.count(b"\n")
    print(f"{PATH}: {posts} posts, {len(text):,} bytes, {PATH.stat().st_size:,} packed")
