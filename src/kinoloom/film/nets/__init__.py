"""film/nets"""
