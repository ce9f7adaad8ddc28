"""The room's picture and sound: camera, microphone, files, loudspeaker."""
