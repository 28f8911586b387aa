"""Packaging of keras-textgen."""

from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent

TUNE = ["optuna>=4"]
REPORT = ["plotly>=6", "jinja2>=3.1"]
ENCODER = ["wordllama>=0.4"]
CORPORA = ["pyarrow>=17"]
HF = ["datasets>=3.2"]
TFDS = ["tensorflow-datasets>=4.9.8", "importlib_resources>=6"]  # it imports the latter without asking for it
SERVE = ["starlette>=1.0,<2", "uvicorn>=0.54,<1", "prometheus-client>=0.22"]
LITERT = ["ai-edge-litert>=2.1,<3"]
ONNX = ["tf2onnx>=1.17,<2", "onnx>=1.17", "onnxruntime>=1.20"]
TEST = [
    "pytest>=8",
    "pytest-cov>=5",
    "pytest-xdist>=3.6",
    "nltk>=3.9",
    "hypothesis>=6.150",
    "pyyaml>=6",
    "hypothesis>=6.120",
    *TUNE,
    *REPORT,
    *ENCODER,
    *CORPORA,
    *HF,
    *TFDS,
    *SERVE,
    *LITERT,
    *ONNX,
]
DEV = [*TEST, "ruff>=0.15", "import-linter>=2.5"]

setup(
    name="keras-textgen",
    version="0.1.0",
    description="A model zoo for generating text with autoencoders, VAEs, GANs and policy gradients in Keras 3",
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["keras_textgen*", "zoo*", "training*"]),
    package_data={"training.report": ["page.*"], "zoo": ["trained_models/*/*"], "zoo.audit": ["lists/*.json.gz"]},
    install_requires=[
        "tensorflow>=2.21,<2.22",
        "keras>=3.15,<3.16",
        "tensorflow-text>=2.21,<2.22",
        "tensorflow-probability>=0.25,<0.26",
        "tf-keras>=2.21,<2.22",  # tensorflow-probability does not import without it
        "tensorflow-serving-api>=2.21,<2.22",
        "keras-hub>=0.32,<0.33",
        "numpy>=1.26",
        "scikit-learn>=1.5",
        "threadpoolctl>=3.1",
        "requests>=2.32",
        "typer>=0.20",
        "rich>=14",
        "tensorboard>=2.20",
    ],
    extras_require={
        "tune": TUNE,
        "report": REPORT,
        "encoder": ENCODER,
        "serve": SERVE,
        "litert": LITERT,
        "onnx": ONNX,
        "corpora": CORPORA,
        "hf": HF,
        "tfds": TFDS,
        "test": TEST,
        "dev": DEV,
    },
    entry_points={"console_scripts": ["textgen=training.cli:main"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
