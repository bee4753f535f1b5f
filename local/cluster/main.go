// Command cluster is a Kubernetes control plane in one program: its first argument names the component
// (etcd, kube-apiserver, kube-controller-manager, kube-scheduler), the rest are that component's own flags.
// Linking them together shares one copy of the Go runtime and the Kubernetes libraries, and one build.
package main

import (
	"fmt"
	"os"
	_ "time/tzdata" // CronJobs with a timeZone

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	if len(os.Args) < 2 {
		fail("no component named")
	}
	component := os.Args[1]
	os.Args = append([]string{component}, os.Args[2:]...)
	switch component {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	default:
		fail("unknown component " + component)
	}
}

func fail(reason string) {
	fmt.Fprintf(os.Stderr, "cluster: %s; expected etcd, kube-apiserver, kube-controller-manager or kube-scheduler\n", reason)
	os.Exit(2)
}
