# detbench with its weights and pictures, in a folder of yours:
#   docker build -t detbench .                                                                     processors
#   docker build -t detbench --build-arg TORCH_INDEX=https://pypi.org/simple .                     CUDA
#   docker run --rm -v "$PWD:/work" -v detbench-cache:/cache detbench run --deblurrer nafnet       (--gpus all)
ARG PYTHON_IMAGE=python:3.11-slim

FROM $PYTHON_IMAGE AS build
# torch comes first, from the index that its builds are on: this layer changes with it alone.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python -m venv /opt/detbench
ENV PATH=/opt/detbench/bin:$PATH
RUN pip install --no-cache-dir torch torchvision --index-url "$TORCH_INDEX"
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY detbench detbench
COPY models models
COPY datasets datasets
RUN pip install --no-cache-dir '.[yolo]'

FROM $PYTHON_IMAGE
COPY --from=build /opt/detbench /opt/detbench
ENV PATH=/opt/detbench/bin:$PATH DETBENCH_CACHE=/cache
RUN useradd --create-home --uid 1000 detbench && install --directory --owner detbench /cache /work
VOLUME /cache
WORKDIR /work
USER detbench
ENTRYPOINT ["detbench"]
CMD ["--help"]
