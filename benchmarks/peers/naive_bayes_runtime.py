"""The project's Naive Bayes model as an MLServer runtime, and the requests to ask it with."""

import json
import sys
from pathlib import Path

import numpy as np
from google.protobuf import proto
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.grpc import dataplane_pb2
from mlserver.types import InferenceRequest, InferenceResponse

from heron_grpc.classify import load_classifier

NAME = "nb"


class NaiveBayesRuntime(MLModel):
    """Texts in, for each the best label and all probabilities out."""

    async def load(self) -> bool:
        """Reads the model directory."""
        self._classifier = load_classifier(Path(self.settings.parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One answer a text."""
        texts = StringCodec.decode_input(payload.inputs[0])
        predictions = self._classifier.predict(texts, [False] * len(texts))
        shares = np.array([[*each.probabilities.values()] for each in predictions], dtype=np.float32)
        best = [max(each.probabilities, key=each.probabilities.__getitem__) for each in predictions]
        outputs = [StringCodec.encode_output("label", best), NumpyCodec.encode_output("probabilities", shares)]
        return InferenceResponse(model_name=self.name, outputs=outputs)


def request(text: str) -> dataplane_pb2.ModelInferRequest:
    """A call with one text."""
    tensor = dataplane_pb2.ModelInferRequest.InferInputTensor(name="text", datatype="BYTES", shape=[1, 1])
    tensor.contents.bytes_contents.append(text.encode())
    return dataplane_pb2.ModelInferRequest(model_name=NAME, inputs=[tensor])


def main() -> None:
    """Texts as JSON on stdin, calls on stdout, each after its length."""
    for text in json.load(sys.stdin):
        proto.serialize_length_prefixed(request(text), sys.stdout.buffer)


if __name__ == "__main__":
    main()
