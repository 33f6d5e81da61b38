"""What the pages and the REST API ask and do: roles and read-only are enforced here."""
