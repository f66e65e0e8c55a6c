"""standin"""
from kinoloom.film.engine import Engine
from kinoloom.film.engines.plain import PlainDis
FAST = Engine("fast", "fast", 20, PlainDis, lambda o: "", 100)
