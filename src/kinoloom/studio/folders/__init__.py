"""The files of the studio's folders: paths, lists, uploads."""
