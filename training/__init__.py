"""What a run needs: corpora, the run folder, training, evaluation, and the terminal."""
