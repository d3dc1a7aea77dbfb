"""Who may come in: accounts, roles, browser sessions, invites, and the audit log."""
