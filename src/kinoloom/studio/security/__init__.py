"""Who may do what: hosts, origins, links, cookies, people, limits."""
