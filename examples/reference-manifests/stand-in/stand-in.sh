#!/bin/sh
# Stands in for a program whose image cannot be pulled: it listens where the program would, says who it is, and stops when told.
name=$1 port=$2
trap 'exit 0' TERM INT
echo "stand-in for $name on port $port"

case $name in
  nginx | rancher-demo)
    echo "stand-in for $name at $(hostname)" > /www/index.html
    httpd -f -p "$port" -h /www &
    ;;
  redis)
    # As much of the protocol as PING.
    while true; do nc -l -p "$port" -e sh -c 'while read -r line; do case $line in [Pp][Ii][Nn][Gg]*) printf "+PONG\r\n" ;; esac; done'; done &
    ;;
  cassandra)
    # Each start leaves a line on the volume: data outlives the pod.
    mkdir -p /var/lib/cassandra/data
    echo "$(hostname) of $CASSANDRA_CLUSTER_NAME started" >> /var/lib/cassandra/data/starts
    cat /var/lib/cassandra/data/starts
    while true; do nc -l -p "$port" -e cat /var/lib/cassandra/data/starts; done &
    ;;
esac
wait
