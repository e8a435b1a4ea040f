package testbed

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Chromium gives the path of the system's browser.
func Chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	absent(t, "pages in a browser", "apt-get install chromium")
	return ""
}

// WebPackages makes sure that the npm packages of a folder are there, and Node.js.
func WebPackages(t testing.TB, folder string) {
	t.Helper()
	_, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json"))
	if _, none := exec.LookPath("node"); none != nil || err != nil {
		absent(t, "pages", "make web")
	}
}
