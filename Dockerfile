# One image for web and worker. Build: docker build -t recux .
# A GPU worker: docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 -t recux-gpu .
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
WORKDIR /opt/recux
COPY pyproject.toml constraints.txt README.md ./
# Dependencies before the code, so that a change of the code does not install them again.
RUN grep '^torch==' constraints.txt > /tmp/torch.txt \
 && /opt/venv/bin/pip install --index-url "$TORCH_INDEX" -r /tmp/torch.txt || /opt/venv/bin/pip install -r /tmp/torch.txt
RUN mkdir recux db && touch recux/__init__.py db/__init__.py \
 && /opt/venv/bin/pip install -c constraints.txt -e .
COPY db db
COPY pages pages
COPY recux recux
COPY streamlit_app.py ./
COPY .streamlit .streamlit
RUN /opt/venv/bin/python -m compileall -q /opt/recux

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/recux --create-home recux
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/recux /opt/recux
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 RECUX_HOME=/var/lib/recux RECUX_HOST=0.0.0.0 RECUX_LOG=json
WORKDIR /opt/recux
USER recux
VOLUME /var/lib/recux
EXPOSE 8501
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/api/ready', timeout=2)"]
CMD ["recux", "serve", "--no-worker"]
