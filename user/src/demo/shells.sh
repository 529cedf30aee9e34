group=$top/demo-shells
note=/tmp/demo-shells
mkdir $group

outer() {
    sh -c "echo \$\$ > $note; while :; do sleep 0.1; done"
    echo "    outer: my inner shell came back with status $?"
}

start() {
    rm -f $note
    outer &
    outer=$!
    until [ -s $note ]; do sleep 0.05; done
    inner=$(cat $note)
    echo "    outer shell $outer waits for inner shell $inner"
}

say 'Two shells, one inside the other. First we stop the inner one with a
signal, and let it go on with another.'
start
kill -STOP $inner
sleep 0.3
kill -CONT $inner
wait $outer
echo '    (147 is 128 and SIGSTOP: the outer shell was told of the stop)'
kill -KILL $inner

say 'The outer shell has noticed, and went its way: signals are for all to see.
Now two others like them; the inner shell goes into a group of the freezer.'
start
echo $inner > $group/tasks
freeze $group
echo "    the group is $(cat $group/freezer.state)"
sleep 0.3
thaw $group
echo "    the group is $(cat $group/freezer.state)"
sleep 0.3
if ! kill -0 $outer 2>/dev/null; then
    echo 'the outer shell is gone'
    exit 1
fi
echo '    the outer shell still waits and has said nothing'

say 'Nobody has noticed. What the outer shell learns is the end of the inner:'
kill -KILL $inner
wait $outer
sleep 0.1
rmdir $group
