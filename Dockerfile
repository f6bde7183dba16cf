# Fettle with what it needs of CUDA: the driver comes from the host, the rest is three libraries. No toolkit, no Python and
# no compiler are in the image `cuda`; the image `cpu` has gcc in place of the libraries.
#
#   docker build -t fettle .                   # for NVIDIA GPUs
#   docker build -t fettle:cpu --target cpu .  # for machines without one
#
# What each setting is for: docs/guide/container.md

ARG NODE=24.21.0

# NVIDIA publishes its libraries as wheels, which are zip archives; CUDA 12.9 runs on drivers from 525 on and knows all cards
# from Ampere to Blackwell.
FROM python:3.13-slim-bookworm AS libraries
WORKDIR /wheels
RUN pip download --no-cache-dir --no-deps --only-binary=:all: \
      nvidia-cuda-nvrtc-cu12==12.9.86 nvidia-cublas-cu12==12.9.1.4 nvidia-nccl-cu12==2.27.7 \
 && for wheel in *.whl; do \
      python -m zipfile -e "$wheel" .; \
    done \
 && install -D --mode 644 --target-directory /cuda/lib nvidia/cuda_nvrtc/lib/libnvrtc.so.12 \
      nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.* nvidia/cublas/lib/libcublasLt.so.12 nvidia/nccl/lib/libnccl.so.2 \
 && for wheel in nvidia_*.dist-info; do \
      find "$wheel" -iname 'licen*' -type f -exec install -D --mode 644 {} "/cuda/licences/${wheel%.dist-info}.txt" ';'; \
    done

# What npm would publish, with the packages it runs with.
FROM node:${NODE}-bookworm-slim AS build
WORKDIR /sources
COPY . .
RUN npm ci --no-audit --no-fund --ignore-scripts \
 && npm run build \
 && npm pack --ignore-scripts --pack-destination /tmp \
 && mkdir /opt/fettle \
 && tar -xf /tmp/fettle-*.tgz -C /opt/fettle --strip-components 1 \
 && cp package-lock.json /opt/fettle/ \
 && npm ci --prefix /opt/fettle --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:${NODE}-bookworm-slim AS base
# The caches are one volume: compiled kernels, models of the hub, prepared data.
ENV NODE_ENV=production \
    FETTLE_CACHE=/cache/fettle \
    HF_HOME=/cache/huggingface
COPY --from=build /opt/fettle /opt/fettle
RUN ln -s /opt/fettle/dist/src/app/cli/main.js /usr/local/bin/fettle \
 && install -d -m 1777 /cache /cache/fettle /cache/huggingface /work
USER 1000:1000
WORKDIR /work
VOLUME ["/cache", "/work"]
ENTRYPOINT ["fettle"]
CMD ["--help"]

# The device `cpu` compiles its kernels for the processor at hand, which is why they are not in the image.
FROM base AS cpu
USER 0
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
USER 1000:1000

# The last stage is what `docker build` makes when it is told no other.
FROM base AS cuda
COPY --from=libraries /cuda /usr/local/cuda
ENV FETTLE_CUDA_LIBRARIES=/usr/local/cuda/lib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
