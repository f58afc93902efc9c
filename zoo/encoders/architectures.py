"""The architectures that can be trained, published and loaded from the hub: one list for all three.

A name is transformers' `model_type`. Each was tried with its class for classification: trained, saved, loaded, with
equal logits. A model with another one is refused before anything is loaded. Left out on purpose:

- fnet has no attention mask, so its logits depend on the texts beside a text.
- mra computes zeros in place of attention without a kernel of its own.
- xmod needs a language for each text; canine, luke, flaubert and xlm have no tokenizer.json.
- bart, t5, gpt2 and llama are no encoders.
"""

from zoo.errors import UserError

ARCHITECTURES = (
    "albert",
    "bert",
    "big_bird",
    "camembert",
    "convbert",
    "data2vec-text",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "ernie",
    "eurobert",
    "funnel",
    "gte",
    "ibert",
    "longformer",
    "megatron-bert",
    "mobilebert",
    "modernbert",
    "mpnet",
    "nomic_bert",
    "nystromformer",
    "rembert",
    "roberta",
    "roberta-prelayernorm",
    "roformer",
    "squeezebert",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xlnet",
    "yoso",
)


def check_architecture(model_type: str, where: str) -> None:
    """Raise UserError for a `model_type` that is not in ARCHITECTURES; `where` is the model's folder or name."""
    if model_type not in ARCHITECTURES:
        raise UserError(f"{where} is a model of the type '{model_type}'; these are trained: {', '.join(ARCHITECTURES)}")
