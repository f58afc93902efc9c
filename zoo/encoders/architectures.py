"""The architectures that can be trained, published and loaded from the hub: one list for all three.

A name is transformers' `model_type`. Each was tried with its class for classification: trained, saved, loaded, with
equal logits. A model with another one is refused before anything is loaded. Left out on purpose:

- convbert, fnet, nystromformer and yoso read padding, so a text's logits would depend on the texts beside it.
- mra computes zeros in place of attention without a kernel of its own.
- funnel cannot read an empty text.
- xmod needs a language for each text; canine, luke, flaubert and xlm have no tokenizer.json.
- bart, t5, gpt2 and llama are no encoders.
"""

from zoo.errors import UserError

ARCHITECTURES = (
    "albert",
    "bert",
    "big_bird",
    "camembert",
    "data2vec-text",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "ernie",
    "eurobert",
    "gte",
    "ibert",
    "longformer",
    "megatron-bert",
    "mobilebert",
    "modernbert",
    "mpnet",
    "nomic_bert",
    "rembert",
    "roberta",
    "roberta-prelayernorm",
    "roformer",
    "squeezebert",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xlnet",
)


def check_architecture(model_type: str, where: str) -> None:
    """Raise UserError for a `model_type` that is not in ARCHITECTURES; `where` is the model's folder or name."""
    if model_type not in ARCHITECTURES:
        raise UserError(f"{where} is a model of the type '{model_type}'; these are trained: {', '.join(ARCHITECTURES)}")
