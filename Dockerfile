# The app in a container, from the folder that `make space` writes. docs/hosting.md says how to build and run it.
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 zoo
WORKDIR /home/zoo/app

# Where pip looks besides its own index, such as an index of CPU builds of torch; nothing by default.
ARG PIP_EXTRA_INDEX_URL=""
COPY build/space/requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

COPY build/space .
# What the app writes stands here: the unpacked encoders, the visitors' flags, models of the hub. A volume keeps it.
RUN mkdir /data && chown zoo /data
USER zoo
ENV HOST=0.0.0.0 PORT=7860 ENCODER_ZOO_CACHE=/data/cache ENCODER_ZOO_FLAGS=/data/flags HF_HOME=/data/huggingface
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/', timeout=8)"]
CMD ["python", "app.py"]
