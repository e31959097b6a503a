#!/bin/busybox sh
# The first process of a guest. The kernel speaks on ttyS0; on ttyS1 lines are read and run, and
# what they print comes back there.
/bin/busybox mount -t devtmpfs dev /dev
exec </dev/ttyS1 >/dev/ttyS1 2>&1
/bin/busybox stty raw -echo
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in /lib/modules/*.ko; do insmod "$module"; done

# Until /stop is there, files are written one after the other. File N is reported when its content,
# its name, and a counter that is overwritten in place with N, have been synced. Only the newest
# files stay, so that space is used again while older snapshots still need what it held.
write_files() {
  churn &
  n=$1
  while [ ! -e /stop ]; do
    yes "file $n" | head -c $((n * 7919 % 65536 + 1)) |
      dd of=/mnt/file-$n bs=64k conv=fsync 2>/dev/null &&
      printf '%08d' $n | dd of=/mnt/counter conv=notrunc,fsync 2>/dev/null &&
      rm -f /mnt/file-$((n - 32)) || { echo "failed $n"; break; }
    echo "wrote $n"
    n=$((n + 1))
  done
  wait
}

# Keeps data, names and free space moving, none of it synced by whoever writes it.
churn() {
  while [ ! -e /stop ]; do
    yes churn | head -c 2097152 >/mnt/churn-new && mv /mnt/churn-new /mnt/churn || break
  done
}

echo ready
while read -r line; do
  eval "$line"
  echo "status $?"
done
