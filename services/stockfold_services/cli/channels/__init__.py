"""The subcommands of ``stockfold channel``, each in a module of its own."""
