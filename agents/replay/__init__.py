"""The ``replay`` agent: `source` reads rows that `input` finds in files, one module for each format."""
