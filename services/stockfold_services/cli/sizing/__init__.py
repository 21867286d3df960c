"""What an installation of a size needs, from measured costs. Pure; without servers."""
