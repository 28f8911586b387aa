"""What a run is configured by, and what that makes: its corpus and its model."""

import dataclasses

from keras_textgen.checks import number, whole
from keras_textgen.errors import InputError, unknown
from training import corpora, distribution
from training.corpora.tokenizing import new_tokenizer
from training.distribution import Team
from training.run_folder import KEPT, RunFolder

OPTIMIZERS = ("adam", "sgd")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
AUTO = "auto"
DECAYS = ("cosine", "none")


@dataclasses.dataclass
class RunConfig:
    """Everything that a run depends on.

    Attributes:
        model, preset, hyperparameters: what `zoo.build` takes.
        data, text, valid, test, vocabulary: what `corpora.load` takes; `limit`: train on the first texts only.
        attributes: the labels that the model is told, each as "name", or as "name=column" of a file.
        tokenizer: "words", "characters", "wordpiece" or "bytes"; `tokenizer_options`: its keywords.
        start_from: a run folder or .keras file of the same model, whose weights, vocabulary and hyper-parameters
            (but for those given here) the training starts with.
        epochs, batch_size: of the training; None for as many epochs as the model's entry in the zoo says.
        tokens_per_batch: texts of about one length share a batch of so many tokens, in place of `batch_size`.
        optimizer: "adam", the model's own with its weight decay, or "sgd", plain, as most published text models use
            it (with a learning rate of about 1).
        learning_rate: at the start; None for the model's own optimizer as it is.
        decay: "cosine" (to a hundredth over the whole run; Loshchilov & Hutter 2017) or "none".
        precision: a Keras dtype policy, or "auto": the one that `keras_textgen.devices` recommends for the device.
        seed: of the weights, dropout, latent samples, the order of batches, and the corpus.
        validation_texts: how many validation texts select the best epoch.
        validation_samples: importance samples a text for that.
        samples_every: epochs between two files of samples.
        distribute: on what it trains; see `training.distribution.join`. A batch is divided among all devices.
        keep_checkpoints: how many stay, beside that of the best epoch.
        average_epochs: of how many of the last epochs the weights are averaged at the end; the mean is the final model
            where validation texts are likelier under it than under the best epoch's. 1 averages none.
        rollbacks: how often an exploding loss is answered by going back to the last good state with a quarter of the
            learning rate, before the run is given up.
    """

    model: str
    data: str
    preset: str | None = None
    hyperparameters: dict = dataclasses.field(default_factory=dict)
    text: str | int | None = None
    attributes: list[str] = dataclasses.field(default_factory=list)
    valid: str | None = None
    test: str | None = None
    vocabulary: str | None = None
    limit: int | None = None
    tokenizer: str = "words"
    tokenizer_options: dict = dataclasses.field(default_factory=dict)
    start_from: str | None = None
    epochs: int | None = None
    batch_size: int = 32
    tokens_per_batch: int | None = None
    optimizer: str = "adam"
    learning_rate: float | None = 2e-3
    decay: str = "cosine"
    precision: str = "float32"
    seed: int = 0
    validation_texts: int = 1000
    validation_samples: int = 5
    samples_every: int = 5
    distribute: str = "auto"
    keep_checkpoints: int = KEPT
    average_epochs: int = 1
    rollbacks: int = 3

    @classmethod
    def of(cls, folder: RunFolder) -> "RunConfig":
        """The configuration that a run was started with; `InputError` if it is of another version."""
        try:
            return cls(**folder.config()).check()
        except TypeError as error:
            raise InputError(f"{folder.path / 'config.json'} is not of this version: {error}") from None

    def check(self) -> "RunConfig":
        """Refuses what is out of range, before anything is loaded; returns itself."""
        import zoo
        from zoo import trained
        from zoo.storage import find

        model = zoo.spec(self.model)
        self.epochs = model.epochs if self.epochs is None else self.epochs
        if self.preset in trained.names(self.model):
            place = f"{self.model}/{self.preset}"
            raise InputError(f"the preset {self.preset!r} is a trained model; go on from it with --start-from {place}")
        if self.preset is not None and self.preset not in model.presets:
            raise unknown(f"preset of {self.model}", self.preset, model.presets)
        if self.start_from is not None:
            find(self.start_from)  # a wrong path is answered before anything is loaded
            if self.preset is not None:
                raise InputError("a model that is started from has its own hyper-parameters; leave out the preset")
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)
        if self.optimizer == "sgd" and self.learning_rate is None:
            raise InputError("the optimizer 'sgd' needs a learning rate; 1.0 is usual")
        if self.precision == AUTO:
            from keras_textgen import devices

            self.precision = devices.recommended_precision()  # a run that goes on elsewhere goes on in the same one
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, (AUTO, *PRECISIONS))
        if self.decay not in DECAYS:
            raise unknown("decay", self.decay, DECAYS)
        for name in ("epochs", "batch_size", "validation_texts", "validation_samples", "samples_every"):
            whole(1, **{name: getattr(self, name)})
        whole(1, keep_checkpoints=self.keep_checkpoints)
        whole(1, average_epochs=self.average_epochs)
        whole(0, rollbacks=self.rollbacks)
        distribution.check(self.distribute)
        for name in ("limit", "tokens_per_batch"):
            if getattr(self, name) is not None:
                whole(1, **{name: getattr(self, name)})
        whole(0, 2**31 - 1, seed=self.seed)
        if self.vocabulary is not None and self.tokenizer != "words":
            raise InputError(f"a file of word counts holds words; the tokenizer cannot be {self.tokenizer!r}")
        if self.learning_rate is not None:
            number(above=0, learning_rate=self.learning_rate)
        return self

    @property
    def kept(self) -> int:
        """How many of the last checkpoints stay."""
        return max(self.keep_checkpoints, self.average_epochs)

    def load_corpus(self):
        """The corpus that the configuration names."""
        corpus = load_with_attributes(
            self.data,
            self.attributes,
            seed=self.seed,
            text=self.text,
            valid=self.valid,
            test=self.test,
            vocabulary=self.vocabulary,
        )
        if self.limit is not None:
            if corpus.shards is not None:
                raise InputError(f"{self.data} is prepared; leave out --limit, or prepare fewer texts")
            corpus.train = corpus.train.take(range(min(self.limit, len(corpus.train))))
        return corpus

    def with_corpus(self, folder, watch=corpora.unwatched):
        """The configuration with its corpus. One that is too large for the memory is prepared in `folder`, which the
        configuration then names in its place; `watch` is told of that as by `corpora.prepare`."""
        try:
            return self, self.load_corpus()
        except corpora.TooLarge:
            if self.limit is not None or self.start_from is not None:
                raise
        corpora.prepare(
            self.data,
            folder,
            labels=columns_of(self.attributes),
            text=self.text,
            valid=self.valid,
            test=self.test,
            vocabulary=self.vocabulary,
            watch=watch,
            tokenizer=self.tokenizer,
            tokenizer_options=self.tokenizer_options,
            vocabulary_size=self.hyperparameters.get("vocabulary_size", 10_000),
            max_tokens=max(512, self.hyperparameters.get("sequence_length", 0)),
        )
        data = dict.fromkeys(("text", "valid", "test", "vocabulary"), None)
        config = dataclasses.replace(self, data=str(folder), attributes=[*columns_of(self.attributes)], **data)
        return config, config.load_corpus()

    def build_model(self, corpus, team: Team = Team()):  # noqa: B008
        """The model with the vocabulary and the attributes of the corpus, compiled for this run on a team's devices."""
        with team.scope():
            return self.build(corpus)

    def build(self, corpus):
        """The model of `build_model`, on the devices of the strategy that it is called in."""
        import keras

        import zoo

        keras.utils.set_random_seed(self.seed)
        hyperparameters = {"seed": self.seed, "dtype": self.precision, **self.hyperparameters}
        hyperparameters["attributes"] = corpus.values_of_attributes or None
        if self.start_from is not None:
            first = zoo.load(self.start_from)
            model = zoo.build(self.model, tokenizer=first.tokenizer, **inherited(first, self), **hyperparameters)
            take_weights(model, first, self.start_from)
        else:
            tokenizer = self.tokenizer_for(corpus)
            options = dict(texts=corpus.train, tokenizer=tokenizer, preset=self.preset)
            model = zoo.build(self.model, **options, **hyperparameters)
        if self.average_epochs > 1 and not hasattr(model, "score"):
            raise InputError(f"{self.model} has no likelihood by which its weights could be averaged or not")
        self.compile_model(model, corpus)
        return model

    def tokenizer_for(self, corpus):
        """The tokenizer of a prepared corpus, or else a new one."""
        if corpus.shards is not None:
            return corpus.tokenizer
        words = corpus.vocabulary if self.vocabulary is not None else None
        size = self.hyperparameters.get("vocabulary_size", 10_000)
        return new_tokenizer(self.tokenizer, size, self.tokenizer_options, words)

    def batches(self, model, corpus):
        """The batches of an epoch."""
        texts, labels = (list(corpus.train), corpus.train.labels) if corpus.shards is None else (corpus.shards, None)
        return model.training_batches(texts, labels, self.batch_size, self.tokens_per_batch)[0]

    def compile_model(self, model, corpus) -> None:
        """Gives a model the optimizer of this run."""
        import keras

        if self.learning_rate is None:
            return
        rate = self.learning_rate
        if self.decay == "cosine":
            steps = self.epochs * self.batches(model, corpus).steps
            rate = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01)
        if self.optimizer == "sgd":
            model.compile(keras.optimizers.SGD(rate, global_clipnorm=5.0))
        else:
            model.optimizer.learning_rate = rate
            model.compile(type(model.optimizer).from_config(model.optimizer.get_config()))
        model.build_optimizers()


def inherited(first, config: RunConfig) -> dict:
    """The hyper-parameters of the model that a run starts from, but for those that its configuration gives.

    Raises:
        InputError: if it is another model.
    """
    import zoo

    spec = zoo.spec(config.model)
    if type(first) is not spec.load():
        raise InputError(f"{config.start_from} holds a {type(first).__name__}, so no {config.model} can start from it")
    given = {"seed", "attributes", *config.hyperparameters}
    return {
        name: value for name, value in first.get_config().items() if name in spec.hyperparameters and name not in given
    }


def take_weights(model, first, path) -> None:
    """Gives a model the weights of another.

    Raises:
        InputError: if they do not fit.
    """
    shapes = [[tuple(weight.shape) for weight in of.trainable_variables] for of in (model, first)]
    if shapes[0] != shapes[1]:
        raise InputError(f"the weights of {path} do not fit: leave its sizes and attributes as they are")
    for weight, value in zip(model.trainable_variables, first.trainable_variables, strict=True):
        weight.assign(value)


def load_with_attributes(source, attributes, **options):
    """A corpus whose texts have exactly the labels that are asked for, each as "name" or as "name=column".

    Raises:
        InputError: if the corpus has no such label, or cannot be read.
    """
    columns = columns_of(attributes)
    if source in corpora.list_corpora() or corpora.is_prepared(source):
        corpus = corpora.load(source, **options)
    else:
        corpus = corpora.load(source, labels=list(columns.values()) or None, **options)
    for part in ("train", "valid", "test"):
        texts = getattr(corpus, part)
        for column in columns.values():
            if column not in texts.labels:
                raise unknown(f"attribute of {source}", column, texts.labels)
        setattr(corpus, part, corpora.Texts(texts, {name: texts.labels[column] for name, column in columns.items()}))
    return corpus


def columns_of(attributes) -> dict[str, str]:
    """The column of each attribute by its name, from "name" or "name=column"."""
    columns = {}
    for attribute in attributes:
        name, equals, column = attribute.partition("=")
        if not name.isidentifier() or (equals and not column):
            raise InputError(f"an attribute is given as name or name=column, not {attribute!r}")
        columns[name] = column or name
    return columns
