"""Integrations with other libraries, a module or a package each; nothing else imports them."""
