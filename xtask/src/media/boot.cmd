# Boots Firn with any U-Boot that has `booti`. U-Boot reads the compiled form,
# boot.scr; after a change:
#   mkimage -A arm64 -T script -C none -n Firn -d boot.cmd boot.scr
#
# U-Boot has set devtype, devnum and distro_bootpart to where it found this.
# Where things go in memory it knows best: its variables say.
@BOOTARGS@
# The device tree: one that came with the machine (QEMU); or a file on this
# partition; or the one that U-Boot itself uses.
setenv firn_tree ${fdt_addr}
if test -z "${firn_tree}"; then
    setenv firn_tree ${fdtcontroladdr}
    if test -z "${fdtfile}"; then
        setenv fdtfile @TREE@
    fi
    if load ${devtype} ${devnum}:${distro_bootpart} ${fdt_addr_r} /dtbs/${fdtfile}; then
        setenv firn_tree ${fdt_addr_r}
    fi
fi

# The initramfs last: booti wants its size, and filesize is that of the last.
if load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} /Image; then
    if load ${devtype} ${devnum}:${distro_bootpart} ${ramdisk_addr_r} /initramfs.cpio.gz; then
        booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${firn_tree}
    fi
fi
echo "Firn does not start: U-Boot says why above."
