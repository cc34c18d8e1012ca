# One image for receiver, worker and Flower; docker-compose.yml says which it is.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# Without pip: what is installed here is all that the final image gets.
RUN python -m venv --without-pip /opt/venv
WORKDIR /src
# To export traces: docker compose build --build-arg LOCK=requirements-otel.lock
ARG LOCK=requirements.lock
COPY requirements.lock requirements-otel.lock ./
RUN pip --python /opt/venv/bin/python install --only-binary=:all: -r $LOCK
COPY pyproject.toml README.md LICENSE ./
COPY worker worker
COPY web web
RUN pip --python /opt/venv/bin/python install --no-deps .

FROM python:3.12-slim
LABEL org.opencontainers.image.title="autoreply" \
      org.opencontainers.image.description="Answers replies to cold e-mail: never loses one, never answers twice, says why." \
      org.opencontainers.image.licenses="MIT"
# The number is fixed: compose names it, and volumes remember it. A new volume on /data
# takes its owner from this folder.
RUN groupadd --gid 10001 autoreply \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin autoreply \
 && install -d -m 700 -o autoreply -g autoreply /data
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY templates templates
USER 10001:10001
EXPOSE 8000 5555
CMD ["autoreply", "web"]
