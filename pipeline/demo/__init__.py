"""The bundled story of ``molva demo``: its posts, what it holds, and how the demo shows it."""
