"""The life of one alert: pure functions from what was and what is found to what is, and what there is to tell.

    quiet ──found──▶ pending ──held for as long as the rule says──▶ firing ──▶ reminded, until acknowledged
      ▲                 │ not found                                   │
      └─────────────────┴──────── not found for as long as it says ───┘  resolved, told only where it was told

grey (between clear and fire): keeps a firing alert up, starts none. A subject that was not seen holds its state.
"""
