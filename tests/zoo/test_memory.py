"""What a model leaves behind."""

import zoo


def test_the_graphs_of_a_model_go_with_it(course, model_name):
    assert not course(model_name).left


def test_the_graphs_of_an_export_go_with_its_model(build_tiny, corpus, graphs, tmp_path):
    before = graphs()
    model = build_tiny("lstm_vae", texts=corpus)
    zoo.export(model, tmp_path)
    assert len(graphs() - before) > 100
    del model
    assert not [graph.name for graph in graphs() - before]
