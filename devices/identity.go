package devices

// Identity is who a device is to those that let it in.
type Identity struct {
	DeviceID       int64
	Code           string
	OrganisationID int64 // 0: none
}

// Identity finds the device that has exactly this code; a DevEUI is no name to
// come in with.
func (r *Registry) Identity(code string) (Identity, bool) {
	who, ok := r.Named(code)
	return who, ok && who.Code == code
}

// IdentityByID finds a device by its id.
func (r *Registry) IdentityByID(id int64) (Identity, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	u := r.index.unitByID[id]
	if u == nil {
		return Identity{}, false
	}
	return Identity{DeviceID: u.id, Code: u.code, OrganisationID: u.owner}, true
}

// Named finds a device by its code or its DevEUI, as readings name it.
func (r *Registry) Named(device string) (Identity, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	u := r.index.units.get(device)
	if u == nil {
		return Identity{}, false
	}
	return Identity{DeviceID: u.id, Code: u.code, OrganisationID: u.owner}, true
}
