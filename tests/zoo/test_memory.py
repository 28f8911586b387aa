"""What a model leaves behind."""

import gc
import weakref

from tensorflow.python.framework.func_graph import FuncGraph

import zoo


def graphs() -> weakref.WeakSet:
    gc.collect()
    return weakref.WeakSet(thing for thing in gc.get_objects() if isinstance(thing, FuncGraph))


def test_the_graphs_of_a_model_go_with_it(build_tiny, model_name, corpus):
    before = graphs()
    model = build_tiny(model_name)
    model.fit(corpus[:16], batch_size=16, verbose=0)
    model.generate(1, seed=1)
    del model
    assert not [graph.name for graph in graphs() - before]


def test_the_graphs_of_an_export_go_with_its_model(build_tiny, corpus, tmp_path):
    before = graphs()
    model = build_tiny("lstm_vae", texts=corpus)
    zoo.export(model, tmp_path)
    assert len(graphs() - before) > 100
    del model
    assert not [graph.name for graph in graphs() - before]
