#!/bin/sh
# What `docker run <image> ARGUMENTS` means, as in the image registry:2: a file of the configuration is served, a command
# or an option is the program's, anything else is run as it is.
set -e
case "$1" in
  *.yaml | *.yml) set -- registry serve "$@" ;;
  serve | garbage-collect | config | help | -*) set -- registry "$@" ;;
esac
exec "$@"
