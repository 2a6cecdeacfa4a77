#!/bin/sh
# Starts RabbitMQ as its own user on the volume /data. RABBITMQ_USER and RABBITMQ_PASSWORD name what the application uses;
# RabbitMQ takes them when its data folder is new.
set -eu

mkdir -p "$HOME" /run/rabbitmq
# The management of the container's memory is the kubelet's; RabbitMQ stops taking messages before it comes to that.
cat > /run/rabbitmq/rabbitmq.conf <<END
listeners.tcp.default = 5672
loopback_users = none
default_user = $RABBITMQ_USER
default_pass = $RABBITMQ_PASSWORD
vm_memory_high_watermark.absolute = ${RABBITMQ_MEMORY_LIMIT:-256MB}
disk_free_limit.absolute = 50MB
log.console.level = warning
END
chmod 640 /run/rabbitmq/rabbitmq.conf
chown -R rabbitmq:rabbitmq "$HOME" /run/rabbitmq
# The script in sbin would change user by itself, through a login: that needs more than a container has.
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups /usr/lib/rabbitmq/bin/rabbitmq-server "$@"
