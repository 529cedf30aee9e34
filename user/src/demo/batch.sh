batch=$top/demo-batch
mkdir $batch

# submit JOB: starts a job that counts, in a group of its own.
submit() {
    mkdir $batch/$1
    sh -c "echo \$\$ > $batch/$1/tasks; count=0
        while :; do
            count=\$((count + 1))
            echo \$count > /tmp/demo-batch-$1
            sleep 0.02
        done" &
}

park() {
    freeze $batch/$1
}

resume() {
    thaw $batch/$1
}

# cancel JOB: what is killed while it is parked ends when it is resumed.
cancel() {
    for task in $(cat $batch/$1/tasks); do kill -KILL $task; done
    thaw $batch/$1
    until rmdir $batch/$1 2>/dev/null; do sleep 0.02; done
}

progress() {
    cat /tmp/demo-batch-$1
}

table() {
    for job in red green blue; do
        echo "    $job: $(cat $batch/$job/freezer.state)," \
            "step $(progress $job)"
    done
}

say 'A batch system in a page of shell: each job gets a group of the freezer.'
for job in red green blue; do submit $job; done
sleep 0.5
table

say 'The machine is wanted for something else: red and green are parked. They
keep their memory and their open files, and use no time.'
park red
park green
red=$(progress red)
blue=$(progress blue)
sleep 0.5
table
if [ $(progress red) != $red ]; then
    echo 'red went on while it was parked'
    exit 1
fi
if [ $(progress blue) = $blue ]; then
    echo 'blue stands still and is not parked'
    exit 1
fi

say 'Red is resumed, and goes on where it was. No job has noticed anything.'
resume red
sleep 0.5
table
if [ $(progress red) = $red ]; then
    echo 'red does not go on'
    exit 1
fi

say 'All are cancelled, green while it is parked.'
for job in red green blue; do cancel $job; done
wait 2>/dev/null
rmdir $batch
rm /tmp/demo-batch-red /tmp/demo-batch-green /tmp/demo-batch-blue
echo '    no job is left'
