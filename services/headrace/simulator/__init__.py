"""A world that publishes events, and the publisher for them and for recorded ones.

Job: makes transactions of cards at merchants, and what goes wrong on the way of them (late, twice,
broken), from a seed; reads recorded ones from Parquet; publishes either at a rate.
Consumes: nothing. Produces: ``<use-case>.events``. State: none that outlives the process.
"""
