"""A world that publishes events and labels, and the publisher for them and for recorded events.

Job: makes transactions of cards at merchants, honest or fraudulent, and what goes wrong on the way
of them (late, twice, broken), from a seed; reads recorded ones from Parquet; publishes either at a
rate; says what becomes known of the events once they are decided, and how far each source has come.
Consumes: ``<use-case>.decisions`` (for labels). Produces: ``<use-case>.events``,
``<use-case>.labels``. State: none that outlives the process.
"""
