"""The store: projects the journal into a database and answers history queries. Never imported by the daemon.

``config.py`` has its settings; ``schema.py`` makes, migrates and checks the tables (``init``, ``migrate``, ``current``,
``check`` on an engine of ``database.open_database(url)``); ``queries.py`` reads them. The process is
``python -m tradectl.storage``.
"""
