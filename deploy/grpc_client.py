"""A gRPC client of the stock server that needs nothing of this package.

pip install tensorflow-serving-api
python deploy/grpc_client.py 127.0.0.1:8500 lstm_vae
"""

import sys

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

address, model = sys.argv[1:]
request = predict_pb2.PredictRequest()
request.model_spec.name = model  # and, if not the highest version is meant, .version.value or .version_label
request.model_spec.signature_name = "generate"
request.inputs["num"].CopyFrom(tf.make_tensor_proto(5, tf.int32))
request.inputs["seed"].CopyFrom(tf.make_tensor_proto(1, tf.int64))
request.inputs["temperature"].CopyFrom(tf.make_tensor_proto(0.8, tf.float32))  # the other options have defaults
with grpc.insecure_channel(address) as channel:
    answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=30)
for text in tf.make_ndarray(answer.outputs["texts"]):
    print(text.decode())
