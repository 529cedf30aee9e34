say() {
    echo
    echo "$*"
}

top=/sys/fs/cgroup/freezer
if [ ! -e $top/tasks ]; then
    if [ ! -d $top ]; then
        mount -t tmpfs cgroup /sys/fs/cgroup
        mkdir $top
    fi
    mount -t cgroup -o freezer freezer $top
fi

# freeze GROUP: asks, and returns when the group stands still.
freeze() {
    echo FROZEN > $1/freezer.state
    until [ "$(cat $1/freezer.state)" = FROZEN ]; do sleep 0.01; done
}

# thaw GROUP
thaw() {
    echo THAWED > $1/freezer.state
}
