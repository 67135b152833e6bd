# The board in a container, on Debian 12:
#
#   docker build --tag taskboard .
#   docker run --detach --name board --publish 3000:3000 --volume board:/var/lib/taskboard taskboard
#   docker exec board cat /var/lib/taskboard/admin-token

FROM debian:12-slim AS build
ENV DEBIAN_FRONTEND=noninteractive
WORKDIR /source
COPY config/packages.debian config/
RUN apt-get update && \
    sed --quiet '/^\[build\]/,/^$/p; /^\[package\]/,/^$/p' config/packages.debian | grep --invert-match '^\[\|^lintian' | \
    xargs apt-get install --yes --no-install-recommends
COPY . .
RUN cmake --preset release && \
    cmake --build --preset release --target taskboardd taskboard package_files && \
    cpack -G DEB --config build/release/CPackConfig.cmake -B /packages

FROM debian:12-slim
# The user has a number that volumes can rely on. The package makes a token, which would be the same in all containers.
RUN --mount=type=bind,from=build,source=/packages,target=/packages \
    groupadd --system --gid 990 taskboard && \
    useradd --system --uid 990 --gid taskboard --home-dir /var/lib/taskboard --no-create-home --shell /usr/sbin/nologin taskboard && \
    apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates /packages/*.deb && \
    rm -rf /etc/taskboard/admin-token /var/lib/apt/lists/* && \
    install --directory --owner=taskboard --group=taskboard --mode=0700 /var/lib/taskboard
USER 990:990
ENV TASKBOARD_DATA=/var/lib/taskboard
VOLUME /var/lib/taskboard
# On [::]: IPv6 and, where that is all there is, IPv4.
EXPOSE 3000
# Over TLS it needs TASKBOARD_URL and TASKBOARD_CA_FILE.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["taskboard", "health", "--quiet", "--retry", "0"]
# It ends within TASKBOARD_DRAIN_SECONDS (5) of a SIGTERM.
STOPSIGNAL SIGTERM
ENTRYPOINT ["taskboardd"]
