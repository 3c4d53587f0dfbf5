"""The files of a session as people see them: two roots, and nothing that lies outside of them."""
