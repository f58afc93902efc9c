"""Encoder: what is known of a pretrained model before its weights are there."""

from dataclasses import dataclass
from typing import Literal

NAME = r"[\w-][\w.-]{0,99}"  # a name that can be a folder's, in results and in checkpoints
ENCODER_NAME = rf"{NAME}(/{NAME})?(@{NAME})?"  # `name`, the hub's `org/name`, or one of several, `name@revision`
Language = Literal["en", "zh", "any"]
Source = Literal["hub", "package", "zip parts", "repository", "folder", "none"]
Use = Literal["fine-tuned", "probe", "zero-shot", "setfit"]


@dataclass(frozen=True)
class Encoder:
    """Where an encoder's pretrained weights are and what kind of encoder they make.

    `location` is a hub id, a path inside an installed package (`package/sub/path`), the names of the packages that
    carry the parts of a zip file, with blanks between, or a folder, as `source` says.
    `parameters` counts millions of weights, embeddings included; its publisher gives this size. Where weights come from
    elsewhere but are on the hub, too, `published` is their id there. `use`: a "probe" is never trained, a linear model
    reads its states; a "zero-shot" one is compared with the labels' names; a "setfit" one learns from `shots` rows a
    label.
    """

    name: str
    family: str
    parameters: float
    language: Language
    licence: str
    source: Source
    location: str
    revision: str
    published: str = ""
    use: Use = "fine-tuned"
    shots: int = 0

    @property
    def fine_tuned(self) -> bool:
        """Whether it is fine-tuned on all train rows."""
        return self.source != "none" and self.use == "fine-tuned"

    @property
    def leaves_checkpoint(self) -> bool:
        """Whether there is a model to keep: of an encoder that is fine-tuned, and of the TF-IDF baseline."""
        return self.use == "fine-tuned"

    @property
    def seeded(self) -> bool:
        """Whether a seed changes what it predicts."""
        return self.fine_tuned or self.use == "setfit"

    @property
    def hub_id(self) -> str:
        """The id of the weights on the hub; "" where they are not there."""
        return self.location if self.source == "hub" else self.published
