"""standin"""
from kinoloom.film.engine import Engine
from kinoloom.film.engines.plain import PlainDis
FILM = Engine("film", "film", 30, PlainDis, lambda o: "weights (--weights)", 100)
